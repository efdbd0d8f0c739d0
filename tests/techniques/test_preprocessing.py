import pytest
import torch

from cnnlab.techniques.preprocessing import standardize


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_standardize_equals_torchvisions_normalize(dtype):
    from torchvision.transforms.v2.functional import normalize, to_dtype

    images = torch.randint(256, (4, 3, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = torch.tensor([0.2, 0.5, 0.7]), torch.tensor([0.1, 0.25, 0.3])
    want = normalize(to_dtype(images, dtype, scale=True), mean.tolist(), std.tolist())
    got = standardize(images, mean, std, dtype)
    torch.testing.assert_close(got, want, atol=2e-6, rtol=1e-6)
    assert got.is_contiguous(memory_format=torch.channels_last)


def test_a_standardized_set_has_zero_mean_and_unit_deviation():
    images = torch.randint(256, (50, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    scaled = images.double() / 255
    std, mean = torch.std_mean(scaled, dim=(0, 2, 3))
    std_after, mean_after = torch.std_mean(standardize(images, mean, std, torch.float64), dim=(0, 2, 3))
    torch.testing.assert_close(mean_after, torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(std_after, torch.ones(3, dtype=torch.float64), atol=1e-12, rtol=0)
