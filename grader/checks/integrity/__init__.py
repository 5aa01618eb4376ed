"""IN: can what is shown be trusted."""
