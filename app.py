"""Start the page: `python app.py --help`."""

from aigc.ui.start import main

if __name__ == "__main__":
    main()
