module telltale

go 1.26
