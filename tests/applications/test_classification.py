import pytest
import torch
from torch.nn import functional as F

from cnnlab.applications.classification import likeliest, top_k_accuracy

pytestmark = pytest.mark.rows("U01")


def drawn(n: int = 200, classes: int = 12, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, classes, generator=generator), torch.randint(classes, (n,), generator=generator)


@pytest.mark.parametrize("k", [1, 2, 5, 11])
def test_it_is_scikit_learns_and_timms(k):
    from sklearn.metrics import top_k_accuracy_score
    from timm.utils import accuracy

    logits, labels = drawn()
    got = top_k_accuracy(logits, labels, k=k)
    assert got == pytest.approx(top_k_accuracy_score(labels, logits, k=k, labels=range(12)), abs=1e-12)
    assert got == pytest.approx(accuracy(logits, labels, topk=(k,))[0].item() / 100, abs=1e-6)


def test_it_grows_with_k_to_one():
    rates = [top_k_accuracy(*drawn(), k=k) for k in range(1, 13)]
    assert rates == sorted(rates) and rates[4] > rates[0] and rates[-1] == 1


def test_equal_logits_go_to_the_lower_class():
    flat = torch.zeros(40, 40)
    assert likeliest(flat, 3).classes.tolist() == [[0, 1, 2]] * 40
    assert top_k_accuracy(flat, torch.arange(40), k=5) == 5 / 40


def test_probabilities_are_those_of_softmax():
    logits, _ = drawn()
    want = F.softmax(logits, dim=1).topk(5)
    got = likeliest(logits, 5)
    assert torch.equal(got.classes, want.indices)
    torch.testing.assert_close(got.probabilities, want.values)


@pytest.mark.parametrize("k", [0, 13])
def test_a_k_beyond_the_classes_is_refused(k):
    with pytest.raises(ValueError, match=f"k must be from 1 to 12, the classes; got {k}"):
        top_k_accuracy(*drawn(), k=k)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"labels.shape must be \(200,\), one a row; got \(3,\)"):
        top_k_accuracy(drawn()[0], torch.zeros(3, dtype=torch.int64))
