import pytest
import torch

from cnnlab.applications.scenes import PREDICATES, rank_triplets, relations, triplet_recall

pytestmark = pytest.mark.rows("U05")


def names(triplets: torch.Tensor) -> list[tuple]:
    return [(s, PREDICATES[r], o) for s, r, o in triplets.tolist()]


def test_relations_of_a_small_scene():
    boxes = torch.tensor([[0, 0, 10, 10], [2, 3, 5, 6], [20, 30, 25, 35]])
    assert names(relations(boxes)) == [
        (0, "left of", 2),
        (0, "above", 2),
        (0, "around", 1),
        (1, "left of", 2),
        (1, "above", 2),
        (1, "inside", 0),
        (2, "right of", 0),
        (2, "right of", 1),
        (2, "below", 0),
        (2, "below", 1),
    ]


def test_each_relation_has_its_converse():
    corner = torch.rand(12, 2, generator=torch.Generator().manual_seed(0)) * 30
    boxes = torch.cat([corner, corner + torch.rand(12, 2, generator=torch.Generator().manual_seed(1)) * 20], dim=1)
    found = set(names(relations(boxes)))
    converse = dict(zip(PREDICATES, ("right of", "left of", "below", "above", "around", "inside"), strict=True))
    assert found == {(o, converse[r], s) for s, r, o in found} and len(found) > 20


def test_triplets_are_ranked_by_the_product_of_probabilities():
    generator = torch.Generator().manual_seed(0)
    predicates, things = torch.rand(4, 3, 4, generator=generator), torch.rand(4, generator=generator)
    ranked = rank_triplets(predicates, things)
    want = sorted(
        (-float(things[s] * predicates[s, r, o] * things[o]), s, r, o)
        for s in range(4)
        for r in range(3)
        for o in range(4)
        if s != o
    )
    assert ranked.triplets.tolist() == [list(each[1:]) for each in want]
    torch.testing.assert_close(ranked.scores, torch.tensor([-each[0] for each in want]))


def test_equally_probable_triplets_come_in_order():
    assert rank_triplets(torch.ones(2, 2, 2)).triplets.tolist() == [[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0]]


@pytest.mark.parametrize("seed", range(10))
def test_recall_is_exact_on_random_graphs(seed):
    predicates = torch.rand(5, 6, 5, generator=torch.Generator().manual_seed(seed))
    truth = rank_triplets(torch.rand(5, 6, 5, generator=torch.Generator().manual_seed(100 + seed))).triplets[:7]
    ranked = rank_triplets(predicates).triplets
    for k in (1, 20, 50, 120):
        among = {tuple(each) for each in ranked[:k].tolist()} & {tuple(each) for each in truth.tolist()}
        assert triplet_recall(ranked, truth, k=k) == pytest.approx(len(among) / 7, abs=1e-12)


def test_direction_and_predicate_must_be_right():
    truth = torch.tensor([[0, 1, 2]])
    assert triplet_recall(torch.tensor([[2, 1, 0], [0, 2, 2], [0, 1, 2]]), truth, k=2) == 0
    assert triplet_recall(torch.tensor([[2, 1, 0], [0, 2, 2], [0, 1, 2]]), truth, k=3) == 1


def test_probabilities_that_are_the_truth_recall_all_of_it():
    boxes = torch.tensor([[0, 0, 10, 10], [2, 3, 5, 6], [20, 30, 25, 35]])
    truth = relations(boxes)
    certain = torch.zeros(3, 6, 3).index_put(tuple(truth.T), torch.ones(len(truth)))
    ranked = rank_triplets(certain).triplets
    assert triplet_recall(ranked, truth, k=len(truth)) == 1
    assert triplet_recall(ranked, truth, k=4) == pytest.approx(4 / len(truth))


def test_what_has_no_recall_is_refused():
    truth = torch.tensor([[0, 1, 2]])
    with pytest.raises(ValueError, match="k must be at least 1; got 0"):
        triplet_recall(truth, truth, k=0)
    with pytest.raises(ValueError, match=r"truth must be at least one triplet \(M, 3\); got \(0, 3\)"):
        triplet_recall(truth, truth[:0], k=5)
