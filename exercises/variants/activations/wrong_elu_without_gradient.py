"""Through NumPy, where autograd cannot follow."""

# loses: test-elu

# answer: elu
import numpy as np


def elu(z, alpha=1.0):
    z = z.detach().numpy()
    return torch.from_numpy(np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))))
