"""What leaves Kollekt as files: reports as pages show them, and vouchers for the general ledger."""
