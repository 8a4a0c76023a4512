// A program that imports only this module can name what its functions take and return.
@_exported public import MeerkatCore
