def write(folder, names):
    pass
