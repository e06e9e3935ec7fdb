module gomap-go119

go 1.19
