"""Records of measured runs, and the tools that print README's tables from them."""
