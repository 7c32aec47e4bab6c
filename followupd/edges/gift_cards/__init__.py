"""Where gift cards come from: the stock of imported codes, or a provider over HTTP."""
