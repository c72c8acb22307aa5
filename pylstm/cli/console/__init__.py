"""What the commands share: named models and recordings, reports, progress, errors on one line."""
