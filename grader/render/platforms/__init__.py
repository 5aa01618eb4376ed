"""What learning platforms take: worksheets of marks, archives of feedback, results of an autograder."""
