"""Dead letters: messages that could not be processed, kept whole with the reason."""
