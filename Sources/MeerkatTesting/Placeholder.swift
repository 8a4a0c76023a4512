internal import Meerkat
