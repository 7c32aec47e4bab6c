"""The nouns: frozen values without IO, clock or chance."""
