"""Start the page: `python app.py --help`."""

from aigc.ui.serve import main

if __name__ == "__main__":
    main()
