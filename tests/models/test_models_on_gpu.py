"""Every architecture for 32x32 on a GPU against the CPU."""

import copy

import pytest
import torch

from cnnlab import Model, build, initialize
from cnnlab.models import MODELS


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_gpu_gives_the_logits_of_the_cpu(name):
    model = build(Model(model=name), in_channels=3, classes=10).double().eval()
    initialize(model, "he", generator=torch.Generator().manual_seed(0))
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        want = model(images)
        got = copy.deepcopy(model).cuda()(images.cuda())
    torch.testing.assert_close(got.cpu(), want, rtol=1e-6, atol=1e-9 * float(want.abs().max() + 1))
