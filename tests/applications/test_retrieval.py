import pytest
import torch
from torch.nn import functional as F

from cnnlab.applications.retrieval import codes, ranking, recall_at_k

pytestmark = pytest.mark.rows("F05")


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_hand(queries, gallery, query_labels, gallery_labels, k) -> float:
    """A query at a time in plain Python, ties by index."""
    found = 0
    for query, label in zip(queries, query_labels, strict=True):
        cosine = [float(query @ other) for other in gallery]
        nearest = sorted(range(len(gallery)), key=lambda i: (-cosine[i], i))[:k]
        found += any(gallery_labels[i] == label for i in nearest)
    return found / len(queries)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 10])
def test_recall_is_exact_on_random_galleries_with_ties(seed, k):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 2, (50, 4), generator=generator).double() * 2 - 1  # 16 codes of norm 2 for 50 images
    queries, gallery = corners[:20], corners[20:]
    labels = torch.randint(4, (50,), generator=generator)
    got = recall_at_k(ranking(queries, gallery), labels[:20], gallery_labels=labels[20:], k=k)
    assert got == by_hand(queries, gallery, labels[:20].tolist(), labels[20:].tolist(), k)


def test_nearest_by_cosine_is_scikit_learns():
    from sklearn.neighbors import NearestNeighbors

    queries, gallery = drawn(7, 5), drawn(30, 5, seed=1)
    want = NearestNeighbors(n_neighbors=30, metric="cosine").fit(gallery).kneighbors(queries, return_distance=False)
    assert ranking(queries, gallery).tolist() == want.tolist()


def test_equal_codes_are_ranked_by_index():
    gallery = F.one_hot(torch.arange(40) % 2, 2).double()
    assert ranking(gallery[:1], gallery)[0].tolist() == [*range(0, 40, 2), *range(1, 40, 2)]


def test_length_does_not_count():
    queries, gallery = drawn(7, 5), drawn(30, 5, seed=1)
    lengths = drawn(30, 1, seed=2).exp()
    assert torch.equal(ranking(queries * 9, gallery * lengths), ranking(queries, gallery))
    torch.testing.assert_close(codes(gallery).norm(dim=1), torch.ones(30, dtype=torch.float64))
    assert codes(torch.zeros(1, 3)).tolist() == [[0, 0, 0]]


def test_distances_of_codes_give_the_same_order():
    queries, gallery = drawn(7, 5), drawn(30, 5, seed=1)
    assert torch.equal(torch.cdist(codes(queries), codes(gallery)).argsort(1), ranking(queries, gallery))


def test_a_k_beyond_the_gallery_is_refused():
    with pytest.raises(ValueError, match="k must be from 1 to 4, the images of the gallery; got 5"):
        recall_at_k(torch.zeros(2, 4, dtype=torch.int64), torch.zeros(2), gallery_labels=torch.zeros(4), k=5)
