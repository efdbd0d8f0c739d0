"""Techniques: pure functions and modules. They know tensors, and no config, device, data, file or print."""
