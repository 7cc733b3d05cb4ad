"""The data of the trust model, and the script that fits it."""
