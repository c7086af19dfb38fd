"""One file per change: plain functions over a store's transaction and core, without HTTP and without a clock."""
