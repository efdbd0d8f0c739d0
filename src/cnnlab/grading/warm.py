"""What both servers do once, before they fork: import what notebooks use, and call each part of torch a first time."""


def warm_up() -> None:
    import copy  # noqa: F401
    import random  # noqa: F401

    import numpy  # noqa: F401
    import torch
    from torch import nn
    from torch.autograd import functional  # noqa: F401
    from torch.utils.data import DataLoader, TensorDataset  # noqa: F401

    import cnnlab.grading.answers_side
    import cnnlab.grading.tests_side  # noqa: F401
    from cnnlab import check, data, fit, probes  # noqa: F401
    from cnnlab.config import Training  # noqa: F401

    torch.set_num_threads(1)  # a fork with more of them hangs
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    nn.functional.cross_entropy(net(torch.randn(4, 1, 8, 8)), torch.zeros(4, dtype=torch.long)).backward()
    optimizer.step()
    torch.linalg.svd(torch.randn(3, 3))
    torch.autograd.gradcheck(torch.tanh, torch.zeros(2, dtype=torch.float64, requires_grad=True))
    torch.testing.assert_close(torch.ones(1), torch.ones(1))
