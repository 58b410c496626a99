"""Reference applications that do what a bake does with posts, in the ways that textbooks show, on the bake's own tables.

Where textbooks differ, the cheaper way is taken: no refresh after a commit, no ping before a request, a pool whose
connections are kept. The tables are made by the migrations of a bake.
"""
