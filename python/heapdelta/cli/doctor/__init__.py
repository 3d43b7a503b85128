"""`heapdelta doctor`: what of this installation works, what does not, and what to do about it."""
