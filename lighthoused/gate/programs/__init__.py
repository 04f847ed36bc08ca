"""What programs do that data alone cannot say: builtins, filters, wrappers, interpreters. One file for each family."""
