// A program that imports only this module can name what its functions take and return, and write tools.
@_exported public import MeerkatCore
@_exported public import MeerkatJSON
