"""What people's answers teach: rules that they made for good, answers that agree, and a model that mostly abstains."""
