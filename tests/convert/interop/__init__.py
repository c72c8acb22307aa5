"""The table framework x layer x option of docs/interop.md, as what it is measured from."""
