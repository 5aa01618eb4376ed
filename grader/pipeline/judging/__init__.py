"""From what a store holds of a submission to its report, which is kept with it."""
