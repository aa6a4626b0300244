"""From arguments to results: settings, job, fit, predict, report."""
