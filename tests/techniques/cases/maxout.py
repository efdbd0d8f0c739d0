from contract import Case, images

from cnnlab.techniques.maxout import BranchMaxout, Maxout, conv_maxout, dense_maxout, winner

CASES = {
    "Maxout": Case(
        lambda: Maxout(3), images(2, 6, 5, 5), bad=((lambda: Maxout(0), "pieces must be at least 1; got 0"),)
    ),
    "dense_maxout": Case(lambda: dense_maxout(5, 4, pieces=3), images(6, 5)),
    "conv_maxout": Case(lambda: conv_maxout(3, 4), images(2, 3, 6, 6)),
    "winner": Case(lambda: winner, images(3, 2, 4, 5, 5)),
    "BranchMaxout": Case(
        lambda: BranchMaxout(3, 4),
        images(2, 3, 8, 8),
        bad=((lambda: BranchMaxout(3, 4, kernel_sizes=(3, 4)), r"kernel_sizes must be odd.*got \(3, 4\)"),),
    ),
}
