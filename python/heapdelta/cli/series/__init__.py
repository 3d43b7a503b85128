"""`heapdelta series`: many logs of one program over time."""
