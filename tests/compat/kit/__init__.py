"""What the compat tests stand on: tools of the machine, both servers behind one door, official clients, raw frames."""
