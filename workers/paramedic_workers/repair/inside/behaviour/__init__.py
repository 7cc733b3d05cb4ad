"""Runs several versions of some code on the same inputs, in forks of the warm process.

1. `transplant`: the first version is put into the running process, in place;
2. `record`: tests are run, and the calls to the functions of interest are kept;
3. `vary`: more inputs are made of those that were seen;
4. `replay`: each version is run on each input, in a child of its own;
5. `outcome`: what a call did, as a text that is the same for the same behaviour.

Nothing is pickled: children share what their parent has recorded.
"""
