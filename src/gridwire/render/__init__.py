"""Pure text and data for nginx, wg and nft, made from core types."""
