"""The MCP server: what agents may ask Lighthouse of their own accord."""
