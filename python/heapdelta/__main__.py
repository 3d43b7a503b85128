"""`python -m heapdelta`: the command `heapdelta`, for who has it not on the path."""

from heapdelta_command import main

if __name__ == "__main__":
    main()
