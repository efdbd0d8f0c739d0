import pytest
import torch
from model_oracles import hollow, parameters
from torch import nn
from torch.nn import functional as F

import cnnlab
from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.fcn import FCN, SIZES, Bilinear, fcn, fcn_alexnet, fuse

pytestmark = pytest.mark.rows("H16")
WIDTHS = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
VGG = sum((9 * a + 1) * b for a, b in zip([3, *WIDTHS], WIDTHS, strict=False))
HEAD = (49 * 512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 21
FINER = [0, (512 + 1) * 21 + 16 * 21, (256 + 1) * 21 + 16 * 21]


@pytest.mark.parametrize(("stride", "scores"), [(32, 1), (16, 2), (8, 3)])
def test_the_body_is_vgg_16_and_the_head_its_hidden_layers(stride, scores):
    count = VGG + HEAD + sum(FINER[:scores])
    assert parameters(lambda: fcn(stride=stride)) == count
    assert VGG + HEAD == 134_346_581 and round(count / 1e6) == 134


def test_fcn_alexnet_has_57_million_parameters():
    convolutions = [(3, 96, 11), (48, 256, 5), (256, 384, 3), (192, 384, 3), (192, 256, 3)]
    count = sum((a * k * k + 1) * b for a, b, k in convolutions)
    count += (36 * 256 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 21
    assert parameters(fcn_alexnet) == count == 56_954_261


def test_a_score_sees_404_pixels_of_vgg_and_355_of_alexnet():
    net, small = hollow(fcn), hollow(fcn_alexnet)
    vgg = nn.Sequential(*net.stages, net.head)
    for scores, size in ((vgg, 404), (small.scores, 355)):
        seen = receptive_field(scores, (1, 3, 256, 256))
        assert (seen.size[0], seen.jump[0]) == (size, 32)


@pytest.mark.parametrize("size", [(1, 1), (31, 33), (32, 32), (45, 70), (97, 64)])
@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("plan", ["paper", "32"])
def test_the_output_has_the_size_of_the_input(size, stride, plan):
    net = hollow(lambda: fcn(3, 5, size=plan, stride=stride))
    assert net(torch.empty(2, 3, *size, device="meta")).shape == (2, 5, *size)


@pytest.mark.parametrize("size", [(1, 1), (33, 31), (97, 64)])
def test_so_has_that_of_fcn_alexnet(size):
    assert hollow(fcn_alexnet)(torch.empty(1, 3, *size, device="meta")).shape == (1, 21, *size)


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_the_enlargement_is_bilinear_interpolation_inside(factor):
    x = torch.randn(2, 3, 6, 5)
    wanted = F.interpolate(x, scale_factor=factor, mode="bilinear")
    inside = (..., slice(factor, -factor), slice(factor, -factor))
    got = Bilinear(3, factor)(x)
    assert got.shape == wanted.shape and not list(Bilinear(3, factor).parameters())
    torch.testing.assert_close(got[inside], wanted[inside])


def caffe(scores: list[torch.Tensor], height: int, width: int) -> torch.Tensor:
    """The authors' net above its scores at stride 32, 16 and 8: transposed convolutions without padding, and their crops."""

    def enlarge(x, factor):
        taps = 1 - (torch.arange(2 * factor) - (2 * factor - 1) / 2).abs() / factor
        kernel = torch.outer(taps, taps).expand(x.shape[1], 1, -1, -1)
        return F.conv_transpose2d(x, kernel, stride=factor, groups=x.shape[1])

    def crop(x, offset, like):
        return x[..., offset : offset + like.shape[2], offset : offset + like.shape[3]]

    total = scores[0]
    for finer, offset in zip(scores[1:], (5, 9), strict=False):
        total = enlarge(total, 2)
        total = total + crop(finer, offset, total)
    factor, offset = {1: (32, 19), 2: (16, 27), 3: (8, 31)}[len(scores)]
    return enlarge(total, factor)[..., offset : offset + height, offset : offset + width]


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_maps_are_aligned_as_in_the_authors_caffe_nets(stride):
    torch.manual_seed(0)
    plan = SIZES["paper"]._replace(widths=(2, 2, 2, 2, 2), head=(2, 7, 0))
    net, caught = FCN(plan, 3, 4, stride=stride, dropout=0.0).eval(), []

    def random_scores(_module, _inputs, y):
        caught.append(torch.randn_like(y))
        return caught[-1]

    for module in (net.head, *net.scores):
        module.register_forward_hook(random_scores)
    with torch.no_grad():
        ours = net(torch.randn(1, 3, 150, 170))
        theirs = caffe(caught, 150, 170)
    border = (..., slice(24, -24), slice(24, -24))  # where the authors' nets see one map pixel more
    torch.testing.assert_close(ours[border], theirs[border])


def test_scores_are_summed_where_both_maps_are():
    coarse, fine = torch.randn(1, 2, 4, 6), torch.randn(1, 2, 9, 5)
    torch.testing.assert_close(fuse(coarse, fine, 2), coarse[..., :4, :3] + fine[..., 2:6, 2:5])
    torch.testing.assert_close(fuse(coarse, fine, 0), coarse[..., :4, :5] + fine[..., :4, :5])


def test_the_steps_between_start_bilinear_and_learn_and_the_last_is_fixed():
    net = fcn(3, 2, size="32", stride=8)
    x = torch.randn(1, 2, 5, 5)
    for double in net.doubles:
        assert double.weight.requires_grad
        wanted = F.interpolate(x, scale_factor=2, mode="bilinear")
        torch.testing.assert_close(double(x)[..., 2:-2, 2:-2], wanted[..., 2:-2, 2:-2])
    before = net.enlarge.kernel.clone()
    cnnlab.initialize(net, "he")
    assert torch.equal(net.enlarge.kernel, before)


def test_a_finer_stride_has_finer_scores_that_count():
    for stride, scores in ((32, 0), (16, 1), (8, 2)):
        net = fcn(3, 2, size="32", stride=stride)
        assert (len(net.scores), net.enlarge.factor) == (scores, stride)


def test_a_stride_that_is_not_there_lists_the_choices():
    with pytest.raises(ValueError, match='stride of the finest scores "4" is unknown; choose one of: 16, 32, 8'):
        fcn(stride=4)


def test_fcn_alexnet_is_cropped_as_in_caffe():
    caffes = 18  # of a transposed convolution that is not padded by half its stride
    assert hollow(fcn_alexnet).offset == caffes - 32 // 2
