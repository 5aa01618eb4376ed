"""The smallest change that makes a false or an unreadable statement true."""
