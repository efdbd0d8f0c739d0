"""What a network costs and what it can see, from its shapes alone: sizes, receptive fields, operations, memory, paths."""
