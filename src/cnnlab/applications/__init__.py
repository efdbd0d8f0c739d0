"""What convolutional networks are used for: one small file for each application, on sets that are drawn or embedded."""
