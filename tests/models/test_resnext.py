import pytest
import torch
from model_oracles import parameters

from cnnlab.models.resnet import bottleneck
from cnnlab.models.resnext import as_concatenation, as_groups, as_sum, bottleneck_width, cifar_resnext, resnext

pytestmark = pytest.mark.rows("H08")
WIDTHS = {1: (64, 69_632), 2: (40, 69_760), 4: (24, 69_888), 8: (14, 71_456), 32: (4, 70_144)}


@pytest.mark.parametrize("cardinality", [1, 2, 4])
def test_the_three_forms_are_one_function(cardinality):
    torch.manual_seed(0)
    d, options = 3, {"dtype": torch.float64}
    reduce = torch.randn(cardinality * d, 6, 1, 1, **options)
    transform = torch.randn(cardinality * d, d, 3, 3, **options)
    expand = torch.randn(8, cardinality * d, 1, 1, **options)
    x = torch.randn(2, 6, 5, 5, **options)
    forms = [
        form(x, reduce, transform, expand, cardinality=cardinality) for form in (as_sum, as_concatenation, as_groups)
    ]
    torch.testing.assert_close(forms[0], forms[2], rtol=0, atol=1e-10)
    torch.testing.assert_close(forms[1], forms[2], rtol=0, atol=1e-10)
    assert forms[0].abs().mean() > 1


@pytest.mark.parametrize(("cardinality", "wanted"), WIDTHS.items())
def test_paths_of_equal_cost_have_the_widths_of_the_paper(cardinality, wanted):
    width, weights = wanted
    assert bottleneck_width(cardinality) == width
    with torch.device("meta"):
        block = bottleneck(256, 256, groups=cardinality, width=cardinality * width)
    assert sum(p.numel() for p in block.parameters() if p.ndim == 4) == weights


def test_a_32x4d_block_is_torchvisions():
    from torchvision.models.resnet import Bottleneck

    theirs = Bottleneck(64, 16, groups=8, base_width=16)
    ours = bottleneck(64, 64, groups=8, width=32)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.randn(2, 64, 5, 5)
    torch.testing.assert_close(ours(x), theirs(x))


def test_resnext_29_8x64d_has_34_4_million_parameters():
    def block(before, after, inner, group):
        projection = before * after + 2 * after if before != after else 0
        return before * inner + 9 * group * inner + inner * after + 4 * inner + 2 * after + projection

    count = 27 * 64 + 128
    before = 64
    for after, inner in ((256, 512), (512, 1024), (1024, 2048)):
        count += block(before, after, inner, inner // 8) + 2 * block(after, after, inner, inner // 8)
        before = after
    count += 1025 * 10
    assert parameters(cifar_resnext) == count == 34_426_698
    assert round(count / 1e6, 1) == 34.4


def test_the_net_for_imagenet_has_the_parameters_of_timms():
    import timm

    count = parameters(lambda: timm.create_model("resnext50_32x4d"))
    assert parameters(resnext) == count == 25_028_904


def test_a_cardinality_below_one_is_refused():
    with pytest.raises(ValueError, match="cardinality must be at least 1; got 0"):
        bottleneck_width(0)
