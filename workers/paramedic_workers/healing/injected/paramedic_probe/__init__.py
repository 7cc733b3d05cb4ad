"""What runs inside the target's pytest: `plugin` is the pytest plug-in.

This package is alone in its folder, which is put on the target's import path. It needs
nothing but the standard library and pytest: Python 3.9 and pytest 6 will do.
"""
