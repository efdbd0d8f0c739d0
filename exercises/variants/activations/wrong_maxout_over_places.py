"""Takes the maximum over the places as well."""

# loses: test-maxout

# answer: maxout
def maxout(z, pieces):
    groups = z.unflatten(1, (-1, pieces)).amax(dim=2)
    return groups.amax(dim=tuple(range(2, groups.ndim)), keepdim=True) if groups.ndim > 2 else groups
