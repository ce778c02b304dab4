"""What happens when somebody types a command, presses a button or opens the home tab."""
