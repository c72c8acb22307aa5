# `cimport pylstm`: the C API (src/pylstm.h) for other Cython modules, with nothing to link. See examples/embed_cython.

from pylstm._engine cimport *
