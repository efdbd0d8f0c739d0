"""Images found by the codes that a network gives them."""

from torch import Tensor
from torch.nn import functional as F

from cnnlab.choices import demand


def codes(features: Tensor) -> Tensor:
    r"""$f / \lVert f \rVert_2$ for each row of (N, D): the dot product of two codes is their cosine (row F05).

    Zeros stay zeros. `cnnlab.models.heads.without_classifier` gives the features of an image. Source: {cite:t}`mishkin2016`.
    """
    return F.normalize(features, dim=1)


def ranking(queries: Tensor, gallery: Tensor) -> Tensor:
    """For each query the gallery from the most to the least similar, (Q, G) indices; ties by index (row F05).

    Features (Q, D) and (G, D), compared by their cosine. On unit vectors the order of distances is the same. Source:
    {cite:t}`mishkin2016`.
    """
    similarity = codes(queries) @ codes(gallery).T
    return similarity.sort(dim=1, descending=True, stable=True).indices


def recall_at_k(ranks: Tensor, query_labels: Tensor, *, gallery_labels: Tensor, k: int) -> float:
    """The share of queries with an image of their class among the first `k` of their `ranking` (row F05).

    `ranks` (Q, G). A query is not to be in its own gallery. A k beyond the gallery raises a `ValueError`. Source:
    {cite:t}`mishkin2016`.
    """
    demand(1 <= k <= ranks.shape[1], "k", k, f"from 1 to {ranks.shape[1]}, the images of the gallery")
    found = gallery_labels[ranks[:, :k]] == query_labels[:, None]
    return found.any(dim=1).double().mean().item()
