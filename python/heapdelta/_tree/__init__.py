"""The call tree: stacks become paths of what is shown, paths nodes, nodes a table with exact sums."""
