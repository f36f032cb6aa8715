"""Facts to text: one file a form; what they share lies in ``shared``. Pure."""
