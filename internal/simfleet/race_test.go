//go:build race

package simfleet_test

const raced = true // everything takes several times as long
