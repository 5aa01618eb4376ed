"""One submission: its products, its outcomes, its report and its pages."""
