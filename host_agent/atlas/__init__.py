"""What each machine type of one QEMU shows a guest: kept, compared, predicted."""
